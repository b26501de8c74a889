/* Draws one map from data. Every string in the data is already escaped for HTML by present/maps.py (map_text). */
(function () {
  "use strict";
  var SVG_NS = "http://www.w3.org/2000/svg";
  var PANES = [["area", 402], ["hazard", 405], ["line", 410], ["closure", 420], ["flow", 430], ["points", 440], ["mark", 450], ["label", 640]];

  /* A path with a tooltip takes the focus: hundreds of stops of Tab would stand between the map and what follows it. */
  L.Path.addInitHook(function () {
    this.on("add", function () { if (this._path) { this._path.setAttribute("tabindex", "-1"); } });
  });

  /* Where an area's name may stand, from its middle outwards, in widths and heights of the name. */
  var PLACES = [[0, 0], [0, -1.1], [0, 1.1], [0.6, 0], [-0.6, 0], [0.6, -1.2], [-0.6, -1.2], [0.6, 1.2], [-0.6, 1.2], [0, -2.2], [0, 2.2], [1, 0], [-1, 0], [0.8, 2.2], [-0.8, 2.2], [0.8, -2.2], [-0.8, -2.2]];

  function outline(shape, x, y, r) {
    if (shape === "square") { r *= 0.9; return "M" + (x - r) + "," + (y - r) + "h" + 2 * r + "v" + 2 * r + "h" + -2 * r + "z"; }
    if (shape === "triangle") { r *= 1.2; return "M" + x + "," + (y - r) + "L" + (x + r * 0.95) + "," + (y + r * 0.7) + "L" + (x - r * 0.95) + "," + (y + r * 0.7) + "z"; }
    if (shape === "diamond") { r *= 1.25; return "M" + x + "," + (y - r) + "L" + (x + r) + "," + y + "L" + x + "," + (y + r) + "L" + (x - r) + "," + y + "z"; }
    if (shape === "cross") { return "M" + (x - r) + "," + (y - r) + "L" + (x + r) + "," + (y + r) + "M" + (x - r) + "," + (y + r) + "L" + (x + r) + "," + (y - r); }
    return "M" + (x - r) + "," + y + "a" + r + "," + r + " 0 1,0 " + 2 * r + ",0a" + r + "," + r + " 0 1,0 " + -2 * r + ",0z";
  }

  function arrow(x, y, r, bearing) {
    var points = [[0, -r * 1.5], [r, r], [0, r * 0.4], [-r, r]].map(function (p) {
      return (x + p[0] * Math.cos(bearing) - p[1] * Math.sin(bearing)) + "," + (y + p[0] * Math.sin(bearing) + p[1] * Math.cos(bearing));
    });
    return "M" + points.join("L") + "z";
  }

  var Mark = L.CircleMarker.extend({
    _updatePath: function () {
      var o = this.options, p = this._point, r = this._radius;
      this._renderer._setPath(this, o.shape === "arrow" ? arrow(p.x, p.y, r, o.bearing) : outline(o.shape, p.x, p.y, r));
    }
  });

  function markOptions(look, pane) {
    var stroke = look.shape === "cross" || look.hollow;
    return { pane: pane, shape: look.shape, radius: look.size, color: stroke ? look.colour : "#4A4A4A", weight: stroke ? 2.2 : 0.8,
      opacity: 1, fill: look.shape !== "cross", fillColor: look.hollow ? "#FFFFFF" : look.colour, fillOpacity: 0.95 };
  }

  function pathOptions(look, pane, area) {
    return { pane: pane, color: look.colour, weight: look.width, opacity: look.alpha || 0.95, dashArray: look.dash || null, lineJoin: "round",
      fill: area, fillColor: look.hatch ? "url(#gm-hatch)" : look.fill || look.colour, fillOpacity: look.hatch ? 1 : look.opacity };
  }

  function tip(layer, html) {
    if (html) { layer.bindTooltip(html, { className: "gm-tip", sticky: true, direction: "auto", opacity: 1 }); }
  }

  function vectorLayer(map, spec) {
    var looks = spec.looks, area = spec.geometry === "area";
    var pane = "gm-" + (spec.pane || (spec.geometry === "mark" ? "mark" : spec.geometry));
    var renderer = spec.canvas ? L.canvas({ pane: pane, padding: 0.3 }) : L.svg({ pane: pane, padding: 0.3 });
    return L.geoJSON(spec.features, {
      pane: pane,
      interactive: spec.interactive,
      style: function (f) { return spec.geometry === "mark" ? {} : L.extend(pathOptions(looks[f.properties.k], pane, area), { renderer: renderer, interactive: spec.interactive }); },
      pointToLayer: function (f, latlng) {
        return new Mark(latlng, L.extend(markOptions(looks[f.properties.k], pane), { renderer: renderer, interactive: spec.interactive }));
      },
      onEachFeature: function (f, layer) { tip(layer, f.properties.t); delete f.properties.t; }
    });
  }

  /* Half way along each delivery: an arrow in the direction of travel. */
  function arrows(group, spec) {
    var pane = "gm-flow", renderer = L.svg({ pane: pane, padding: 0.3 });
    spec.features.features.forEach(function (f) {
      var lines = f.geometry.type === "LineString" ? [f.geometry.coordinates] : f.geometry.coordinates;
      var at = lines.reduce(function (best, line) { return line.length > best.length ? line : best; }, []).map(function (c) { return L.CRS.EPSG3857.project(L.latLng(c[1], c[0])); });
      var long = 0, i, part;
      for (i = 1; i < at.length; i++) { long += at[i].distanceTo(at[i - 1]); }
      for (i = 1, long /= 2; i < at.length; i++) {
        part = at[i].distanceTo(at[i - 1]);
        if (long <= part && part > 0) {
          var spot = at[i - 1].add(at[i].subtract(at[i - 1]).multiplyBy(long / part)), look = spec.looks[f.properties.k];
          group.addLayer(new Mark(L.CRS.EPSG3857.unproject(spot), { pane: pane, renderer: renderer, interactive: false, shape: "arrow", radius: look.width + 4,
            bearing: Math.atan2(at[i].x - at[i - 1].x, at[i].y - at[i - 1].y), color: "#FFFFFF", weight: 1, fill: true, fillColor: look.colour, fillOpacity: 1 }));
          return;
        }
        long -= part;
      }
    });
  }

  function numbers(text, Kind) {
    var raw = atob(text), bytes = new Uint8Array(raw.length);
    for (var i = 0; i < raw.length; i++) { bytes[i] = raw.charCodeAt(i); }
    return new Kind(bytes.buffer);
  }

  /* Many points: canvas tiles, one pass per tile over the points of its columns (sorted by x). */
  var Points = L.GridLayer.extend({
    initialize: function (spec, options) {
      L.setOptions(this, L.extend({ pane: "gm-points", updateWhenZooming: false, keepBuffer: 3 }, options));
      var lon = numbers(spec.lon, Int32Array), lat = numbers(spec.lat, Int32Array), n = lon.length;
      this._spec = spec; this._class = numbers(spec.cls, Uint8Array); this._n = n;
      this._x = new Float64Array(n); this._y = new Float64Array(n);
      for (var i = 0; i < n; i++) {
        var sin = Math.sin(lat[i] * 1e-7 * Math.PI / 180);
        this._x[i] = lon[i] * 1e-7 / 360 + 0.5;
        this._y[i] = 0.5 - Math.log((1 + sin) / (1 - sin)) / (4 * Math.PI);
      }
    },
    _from: function (x) {
      var a = 0, b = this._n;
      while (a < b) { var m = (a + b) >> 1; if (this._x[m] < x) { a = m + 1; } else { b = m; } }
      return a;
    },
    _radius: function (zoom, look) { return Math.max(0.9, Math.min(look.size, look.size * Math.pow(1.6, zoom - 15))); },
    createTile: function (coords) {
      var size = this.getTileSize(), tile = L.DomUtil.create("canvas", "gm-points-tile"), ratio = window.devicePixelRatio || 1;
      tile.width = size.x * ratio; tile.height = size.y * ratio;
      tile.style.width = size.x + "px"; tile.style.height = size.y + "px";
      var pen = tile.getContext("2d"), scale = 256 * Math.pow(2, coords.z), pad = 8 / scale;
      pen.scale(ratio, ratio);
      var left = coords.x * size.x / scale, top = coords.y * size.y / scale, width = size.x / scale, height = size.y / scale;
      var paths = {}, looks = this._spec.looks;
      for (var i = this._from(left - pad); i < this._n && this._x[i] <= left + width + pad; i++) {
        if (this._y[i] < top - pad || this._y[i] > top + height + pad) { continue; }
        var k = this._class[i], look = looks[k], path = paths[k] || (paths[k] = new Path2D()), r = this._radius(coords.z, look);
        var px = (this._x[i] - left) * scale, py = (this._y[i] - top) * scale;
        if (r < 1.6) { path.rect(px - r, py - r, 2 * r, 2 * r); } else { path.addPath(new Path2D(outline(look.shape, px, py, r))); }
      }
      for (var c in paths) {
        var one = looks[c];
        if (one.shape === "cross" || one.hollow) { pen.strokeStyle = one.colour; pen.lineWidth = 1.4; pen.stroke(paths[c]); } else { pen.globalAlpha = 0.9; pen.fillStyle = one.colour; pen.fill(paths[c]); }
      }
      return tile;
    },
    find: function (latlng) {
      var scale = 256 * Math.pow(2, this._map.getZoom()), p = L.CRS.EPSG3857.latLngToPoint(latlng, 0).divideBy(256);
      var near = 7 / scale, best = -1, least = near * near;
      for (var i = this._from(p.x - near); i < this._n && this._x[i] <= p.x + near; i++) {
        var dx = this._x[i] - p.x, dy = this._y[i] - p.y, d = dx * dx + dy * dy;
        if (d < least) { least = d; best = i; }
      }
      return best;
    },
    tipOf: function (i) {
      var spec = this._spec, look = spec.looks[this._class[i]];
      var rows = (spec.columns || []).map(function (c) { return "<tr><th>" + c.head + "</th><td>" + c.values[i] + "</td></tr>"; });
      return "<h4>" + spec.title + "</h4>" + (look.label ? look.label : "") + "<table>" + rows.join("") + "</table>";
    },
    feature: function (i) {
      var lon = (this._x[i] - 0.5) * 360, lat = Math.atan(Math.sinh(Math.PI * (1 - 2 * this._y[i]))) * 180 / Math.PI;
      return { type: "Feature", properties: { layer: this._spec.name, id: this._spec.ids ? this._spec.ids[i] : null }, geometry: { type: "Point", coordinates: [lon, lat] } };
    },
    onAdd: function (map) {
      L.GridLayer.prototype.onAdd.call(this, map);
      map.on("mousemove", this._hover, this).on("click", this._pick, this);
    },
    onRemove: function (map) {
      map.off("mousemove", this._hover, this).off("click", this._pick, this);
      if (this._tip) { this._tip.remove(); }
      L.GridLayer.prototype.onRemove.call(this, map);
    },
    _hover: function (e) {
      var i = this._map.getZoom() < 13 ? -1 : this.find(e.latlng);
      if (i < 0) { if (this._tip) { this._tip.remove(); } return; }
      this._tip = this._tip || L.tooltip({ className: "gm-tip", opacity: 1, direction: "auto" });
      this._tip.setLatLng(e.latlng).setContent(this.tipOf(i)).addTo(this._map);
    },
    _pick: function (e) {
      var above = e.originalEvent && e.originalEvent.target.closest && e.originalEvent.target.closest(".leaflet-gm-mark-pane, .leaflet-gm-closure-pane, .leaflet-gm-flow-pane, .leaflet-gm-line-pane");
      var i = above || this._map.gmBusy ? -1 : this.find(e.latlng), me = this;
      if (i >= 0) { this.fire("click", { latlng: e.latlng, layer: { toGeoJSON: function () { return me.feature(i); } } }, true); }
    }
  });

  function swatch(look) {
    var line = look.shape === "line", fill = look.shape === "fill", body;
    if (line) { body = '<path d="M1,8H21" stroke="' + look.colour + '" stroke-width="' + Math.min(5, Math.max(2, look.width)) + '"' + (look.dash ? ' stroke-dasharray="' + look.dash + '"' : "") + " />"; }
    else if (fill) { body = '<rect x="2" y="2.5" width="18" height="11" fill="' + (look.hatch ? "url(#gm-hatch)" : look.fill || look.colour) + '" fill-opacity="' + (look.hatch ? 1 : Math.max(0.25, look.opacity)) + '" stroke="' + look.colour + '" />'; }
    else {
      var bare = look.shape === "cross" || look.hollow;
      body = '<path d="' + (look.shape === "arrow" ? arrow(11, 8, 5, Math.PI / 2) : outline(look.shape, 11, 8, 5)) + '" fill="' + (look.shape === "cross" ? "none" : look.hollow ? "#FFFFFF" : look.colour) + '" stroke="' + (bare ? look.colour : "none") + '" stroke-width="2" />';
    }
    return '<svg width="22" height="16" aria-hidden="true">' + body + "</svg>";
  }

  function legend(map, data, groups, root, tell) {
    var control = L.control({ position: "topright" });
    control.onAdd = function () {
      var box = L.DomUtil.create("div", "gm-legend" + (map.getSize().x < 700 ? " gm-folded" : ""));
      var head = L.DomUtil.create("button", "", box), list = L.DomUtil.create("div", "", box);
      head.type = "button"; head.innerHTML = data.text.legend;
      head.onclick = function () { box.classList.toggle("gm-folded"); head.setAttribute("aria-expanded", String(!box.classList.contains("gm-folded"))); };
      data.layers.forEach(function (spec, i) {
        if (spec.rider) { return; }
        var row = L.DomUtil.create("label", "", list), tick = L.DomUtil.create("input", "", row);
        tick.type = "checkbox"; tick.checked = spec.visible;
        row.insertAdjacentHTML("beforeend", (spec.classes.length ? "" : swatch(spec.looks[0])) + "<span>" + spec.title + "</span><b>" + spec.count + "</b>");
        tick.onchange = function () {
          for (var j = i; j === i || (data.layers[j] && data.layers[j].rider); j++) { if (tick.checked) { root.addLayer(groups[j]); } else { root.removeLayer(groups[j]); } }
          tell(spec.name, tick.checked);
          map.fire("gm:labels");
        };
        spec.classes.forEach(function (c) { list.insertAdjacentHTML("beforeend", '<div class="gm-row">' + swatch(spec.looks[c.k]) + "<span>" + c.label + "</span><b>" + c.count + "</b></div>"); });
      });
      data.legend.forEach(function (entry) { list.insertAdjacentHTML("beforeend", '<div class="gm-row gm-flat">' + swatch(entry.look) + "<span>" + entry.label + "</span></div>"); });
      L.DomEvent.disableClickPropagation(box); L.DomEvent.disableScrollPropagation(box);
      return box;
    };
    control.addTo(map);
    return control.getContainer();
  }

  function words(map, position, kind, html) {
    if (!html) { return; }
    var control = L.control({ position: position });
    control.onAdd = function () { var box = L.DomUtil.create("div", kind); box.innerHTML = html; return box; };
    control.addTo(map);
  }

  /* Names: greedy, four places around the mark, never over a mark or another name. */
  function labels(map, data, groups) {
    var pane = map.getPane("gm-label"), pen = document.createElement("canvas").getContext("2d"), drawn = [];
    function overlap(a, b) { return a[0] < b[2] && a[2] > b[0] && a[1] < b[3] && a[3] > b[1]; }
    function place() {
      drawn.forEach(function (node) { node.remove(); }); drawn = [];
      var zoom = map.getZoom(), size = map.getSize(), taken = [], wanted = [];
      data.layers.forEach(function (spec, i) {
        if (!map.hasLayer(groups[i])) { return; }
        if (spec.geometry === "mark" && spec.kind === "vector" && spec.count <= 500) {
          spec.features.features.forEach(function (f) {
            var at = f.geometry.coordinates, p = map.latLngToContainerPoint([at[1], at[0]]), r = spec.looks[0].size;
            if (f.geometry.type === "Point") { taken.push([p.x - r, p.y - r, p.x + r, p.y + r]); }
          });
        }
        (spec.names || []).forEach(function (one) {
          var p = map.latLngToContainerPoint([one[1], one[0]]);
          if (p.x < -40 || p.y < -20 || p.x > size.x + 40 || p.y > size.y + 20) { return; }
          var r = spec.geometry === "mark" ? spec.looks[0].size + 1 : 0;
          if (zoom >= spec.labelZoom) { wanted.push([one[2], p, r, spec.geometry !== "mark"]); }
        });
      });
      wanted.sort(function (a, b) { return b[3] - a[3]; });
      wanted.forEach(function (item) {
        pen.font = (item[3] ? "700 13px " : "12px ") + getComputedStyle(map.getContainer()).fontFamily;
        var node = document.createElement("div"); node.innerHTML = item[0];
        var w = pen.measureText(node.textContent).width + 2, h = 15, p = item[1], r = item[2] + 2;
        var spots = r > 2 ? [[p.x + r, p.y - h / 2], [p.x - r - w, p.y - h / 2], [p.x - w / 2, p.y - r - h], [p.x - w / 2, p.y + r]] : PLACES.map(function (at) { return [p.x - w / 2 + at[0] * w, p.y - h / 2 + at[1] * h]; });
        for (var s = 0; s < spots.length; s++) {
          var box = [spots[s][0], spots[s][1], spots[s][0] + w, spots[s][1] + h];
          if (box[0] < 0 || box[1] < 0 || box[2] > size.x || box[3] > size.y || taken.some(function (t) { return overlap(box, t); })) { continue; }
          taken.push(box);
          node.className = "gm-label" + (item[3] ? " gm-place" : "");
          var at = map.containerPointToLayerPoint([box[0], box[1]]);
          node.style.left = at.x + "px"; node.style.top = at.y + "px";
          pane.appendChild(node); drawn.push(node);
          break;
        }
      });
    }
    map.on("zoomstart", function () { pane.style.visibility = "hidden"; });
    map.on("moveend zoomend gm:labels resize", function () { pane.style.visibility = ""; place(); });
    place();
    if (document.fonts && document.fonts.ready) { document.fonts.ready.then(place); }
  }

  function patterns(map) {
    var svg = document.createElementNS(SVG_NS, "svg");
    svg.setAttribute("width", "0"); svg.setAttribute("height", "0"); svg.style.position = "absolute";
    svg.innerHTML = '<defs><pattern id="gm-hatch" width="8" height="8" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><rect width="8" height="8" fill="#2B7BBA" fill-opacity="0.22"/><path d="M0,0V8" stroke="#2B7BBA" stroke-width="2.4" stroke-opacity="0.55"/></pattern></defs>';
    map.getContainer().appendChild(svg);
  }

  function scale(map, unit) {
    var control = L.control.scale({ imperial: false, maxWidth: 140, position: "bottomleft" });
    control._updateMetric = function (metres) {
      var round = this._getRoundNum(metres);
      this._updateScale(this._mScale, round < 1000 ? round + " " + unit.metre : round / 1000 + " " + unit.kilometre, round / metres);
    };
    control.addTo(map);
  }

  /* Zoom, centre and switched-off layers outlive a new drawing of the same map. */
  function memory(name) {
    var known = {};
    try { known = JSON.parse(sessionStorage.getItem("gm-view:" + name)) || {}; } catch (e) { known = {}; }
    return {
      get: function (key) { return name ? known[key] : undefined; },
      set: function (key, value) {
        known[key] = value;
        try { if (name) { sessionStorage.setItem("gm-view:" + name, JSON.stringify(known)); } } catch (e) { /* no room: the view is not kept */ }
      }
    };
  }

  /* The whole district, clear of an open legend and of the foot; again whenever the frame changes, until somebody moves the map. */
  function fitter(map, bounds, kept) {
    var box = map.getContainer(), moved = false, home = String(bounds), old = kept.get("at");
    function go() {
      var beside = box.querySelector(".gm-legend:not(.gm-folded)"), foot = box.querySelector(".gm-notice");
      var right = beside ? Math.min(beside.offsetWidth + 12, box.clientWidth / 2) : 0, under = foot ? foot.offsetHeight : 0;
      /* A folded legend is a button over the map's top. */
      var head = box.querySelector(".gm-legend.gm-folded"), above = head ? head.offsetHeight + 14 : 12;
      map.fitBounds(bounds, { paddingTopLeft: [12, above], paddingBottomRight: [12 + right, 16 + under], animate: false });
    }
    function resized() {
      if (!box.clientWidth || !box.clientHeight) { return; }
      var foot = box.querySelector(".gm-notice");
      box.querySelector(".leaflet-bottom.leaflet-left").style.bottom = (foot ? foot.offsetHeight : 0) + "px";
      map.invalidateSize({ pan: false });
      if (!moved) { go(); }
    }
    function keep() { if (moved) { var c = map.getCenter(); kept.set("at", { home: home, lat: c.lat, lng: c.lng, zoom: map.getZoom() }); } }
    function hand(e) { if (!e.target.closest(".gm-legend, .gm-whole, .leaflet-control-fullscreen")) { moved = true; } }
    ["wheel", "mousedown", "touchstart", "keydown"].forEach(function (kind) { box.addEventListener(kind, hand, { capture: true, passive: true }); });
    map.on("moveend", keep);
    if (old && old.home === home) { moved = true; map.setView([old.lat, old.lng], old.zoom, { animate: false }); } else { resized(); }
    if (window.ResizeObserver) { new ResizeObserver(resized).observe(box); }
    if (document.fonts && document.fonts.ready) { document.fonts.ready.then(resized); }
    return { again: resized, home: function () { moved = false; kept.set("at", null); resized(); } };
  }

  function wholeButton(map, words, fit) {
    var control = L.control({ position: "topleft" });
    control.onAdd = function () {
      var bar = L.DomUtil.create("div", "leaflet-bar"), link = L.DomUtil.create("a", "gm-whole", bar);
      link.href = "#"; link.title = words; link.setAttribute("role", "button"); link.setAttribute("aria-label", words);
      link.innerHTML = '<svg width="16" height="16" viewBox="0 0 16 16" aria-hidden="true"><path d="M2,7 8,2 14,7M4,6.5V14H12V6.5" fill="none" stroke="currentColor" stroke-width="1.8" /></svg>';
      L.DomEvent.disableClickPropagation(bar);
      L.DomEvent.on(link, "click", function (e) { L.DomEvent.preventDefault(e); fit.home(); });
      return bar;
    };
    control.addTo(map);
  }

  function prepare(map) {
    PANES.forEach(function (pane) { map.createPane("gm-" + pane[0]).style.zIndex = pane[1]; });
    map.getPane("gm-points").style.pointerEvents = "none";
    map.getPane("gm-label").style.pointerEvents = "none";
    map.on("draw:drawstart draw:editstart draw:deletestart", function () { map.gmBusy = true; });
    map.on("draw:drawstop draw:editstop draw:deletestop", function () { setTimeout(function () { map.gmBusy = false; }, 300); });
    patterns(map);
    L.Marker.mergeOptions({ icon: L.divIcon({ className: "gm-pin" }) });
    return L.featureGroup().addTo(map);
  }

  function fill(map, root, data, kept, fit) {
    L.Icon.Default.imagePath = data.icons;
    if (L.drawLocal && data.drawLocal) { (function merge(to, from) { for (var key in from) { if (typeof from[key] === "object") { merge(to[key], from[key]); } else { to[key] = from[key]; } } })(L.drawLocal, data.drawLocal); }
    var shown = kept.get("shown") || {};
    var groups = data.layers.map(function (spec) {
      var group = spec.kind === "points" ? new Points(spec) : vectorLayer(map, spec), name = spec.of || spec.name;
      if (spec.name === "flow") { arrows(group, spec); }
      if (name in shown) { spec.visible = shown[name]; }
      if (spec.visible) { root.addLayer(group); }
      return group;
    });
    if (data.title) { L.DomUtil.create("div", "gm-title", map.getContainer()).innerHTML = data.title; }
    legend(map, data, groups, root, function (name, is) { shown[name] = is; kept.set("shown", shown); });
    words(map, "bottomright", "gm-notice", data.notice);
    scale(map, data.text);
    fit = fit || fitter(map, data.bounds, kept);
    fit.again();
    wholeButton(map, data.text.whole, fit);
    labels(map, data, groups);
    return groups;
  }

  /* Draws from data at hand: a file from the disk. */
  function draw(map, data) { return fill(map, prepare(map), data, memory("")); }

  /* Draws from an address: the map stands where it belongs before its data come, and comes only when it is seen. */
  function open(map, told) {
    var root = prepare(map), kept = memory(told.view), fit = fitter(map, told.bounds, kept), box = map.getContainer(), asked = false;
    var wait = L.DomUtil.create("div", "gm-wait", box);
    wait.textContent = told.text.loading;
    function ask() {
      if (asked || !box.clientWidth) { return; }
      asked = true;
      fetch(told.url).then(function (answer) {
        if (!answer.ok) { throw new Error(String(answer.status)); }
        return answer.json();
      }).then(function (data) {
        wait.remove();
        map.gmDrawn = fill(map, root, data, kept, fit);
      }).catch(function (e) { wait.textContent = told.text.lost; wait.classList.add("gm-lost"); console.warn(e); });
    }
    ask();
    if (!asked) { new ResizeObserver(ask).observe(box); }
    return root;
  }

  window.GeoMinzheng = { draw: draw, open: open };
})();

"""Scripts in every text field: thirty and more ways to write one, stored through the services, and who saw one run."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from datetime import date, timedelta
from urllib.parse import urlsplit

import desk as desks
from playwright.sync_api import Error

from geo_minzheng.bootstrap import open_bureau, watch
from geo_minzheng.layers.catalogue import load_catalogue
from geo_minzheng.model.account import Person, SessionKind
from geo_minzheng.model.ledger import LotReceipt
from geo_minzheng.services import accounts, incidents, reports, response
from geo_minzheng.services.demo import APPROVER, COORDINATOR, INCIDENT
from geo_minzheng.settings import layers_dir, read_settings
from geo_minzheng.store import frames, ledger, upsert

NOW = "2026-07-03T22:30"
# J stands for the script, N for its number.
PAYLOADS = (
    "<script>J</script>", "<img src=x onerror=J>", "<svg onload=J>", '"><script>J</script>', "'><img src=x onerror=J>",
    "${J}", "`-J-`", "`+${J}+`", "</script><script>J</script>", "</textarea><svg/onload=J>", "</title><svg/onload=J>",
    "</style><script>J</script>", "--><img src=x onerror=J>", "]]><svg onload=J>", "{{J}}",
    "{{constructor.constructor('J')()}}", "{% raw %}<script>J</script>", "[点](javascript:J)", "![图](/canary-N)",
    "<a href=javascript:J>x</a>", '<iframe srcdoc="<script>parent.J</script>">', "<details open ontoggle=J>",
    "<input autofocus onfocus=J>", "<video><source onerror=J></video>",
    "<math><mtext><table><mglyph><style><img src=x onerror=J>", "\\u003cimg src=x onerror=J\\u003e",
    "&lt;img src=x onerror=J&gt;", '";J;//', "');J;//", "$\\href{javascript:J}{x}$", "<object data=javascript:J>",
    "<link rel=stylesheet href=/canary-N>", "<meta http-equiv=refresh content=0;url=/canary-N>",
    ":material/x: <img src=x onerror=J>", "\\`${J}\\`",
)  # fmt: skip
MANY = len(PAYLOADS)
# Text columns of the layers that people write freely; the others are keys, codes, words of a list.
FREE = {
    "name", "land_use", "tenure", "description", "door_plate", "certificate_no", "head_of_household", "contact_name",
    "contact_phone", "phone", "releasing_authority", "contract_no", "acceptance_no", "one_card_account",
}  # fmt: skip


@dataclass
class Planted:
    """What was stored where: every field has a number of its own, hundreds of it stand before the payload's."""

    fields: list[str] = field(default_factory=list)
    used: Counter[str] = field(default_factory=Counter)

    def maker(self, name, cells=MANY):
        """Give what writes the next words of a field: so many payloads that its cells hold all there are."""
        if name not in self.fields:
            self.fields.append(name)
        base = (self.fields.index(name) + 1) * 100
        each = -(-len(PAYLOADS) // cells)

        def make():
            words = []
            for _ in range(each):
                k = self.used[name] % len(PAYLOADS)
                self.used[name] += 1
                words.append(write(PAYLOADS[k], base + k))
            return " ".join(words)

        return make

    def name_of(self, number):
        return f"{self.fields[int(number) // 100 - 1]}: {PAYLOADS[int(number) % 100]}"


def write(payload, number):
    """Write a payload with its number."""
    return payload.replace("J", f"__x({number})").replace("N", str(number))


def plant(home):
    """Store payloads in every free text field there is, by the services that people's words come in by."""
    planted, desk = Planted(), desks.Desk(home, now=NOW)
    _layers(home, planted)
    _stock(home, planted)
    _flood(home, desk, planted)
    _accounts(home, planted)
    return planted


def _office(home, who=""):
    office = open_bureau(read_settings({}, home=home, now=NOW))
    return office.for_name(who) if who else office


def _layers(home, planted):
    office = _office(home)
    for name, spec in load_catalogue(layers_dir()).items():
        columns = [c.name for c in spec.columns if c.name in FREE and c.type == "text" and not c.values and not c.ref]
        with office.transaction() as (session, act):
            frame = frames.read_layer(session, name).head(10 * len(PAYLOADS)).copy()
            if frame.empty or not columns or name == "stock_lot":
                continue
            for column in columns:
                make = planted.maker(f"{name}.{column}", len(frame))
                frame[column] = [make() for _ in range(len(frame))]
            for column in [c.name for c in spec.columns if c.private and c.name not in columns]:
                frame[column] = [f"DEMO-{k:06d}" for k in range(len(frame))]
            known = [c.name for c in spec.columns if c.name in frame.columns]
            kept = frame[[*known, *(["geometry"] if "geometry" in frame.columns else [])]]
            upsert.write_layer(session, spec, kept, act)


def _stock(home, planted):
    """Lots are opened by receipts, never changed by an import."""
    number, authority = planted.maker("stock_lot.lot_no"), planted.maker("stock_lot.releasing_authority")
    with _office(home).transaction() as (session, act):
        house = frames.read_layer(session, "warehouse")["warehouse_id"].tolist()[0]
        lots = [
            LotReceipt(house, number(), "tent_12", "顶", 5, date(2026, 7, 1), releasing_authority=authority())
            for _ in PAYLOADS
        ]
        ledger.receive(session, act, "入-X1", lots, note=planted.maker("voucher.note", 1)())


def _flood(home, desk, planted):
    """Words of a night: closures, reports by phone, returned and confirmed, levels, plans, orders."""
    rows = frames.read_layer
    with _office(home).reading() as session:
        roads, villages = rows(session, "road")["road_id"].tolist(), rows(session, "village")["code"].tolist()
    cells = {
        "closure.reason": 12, "closure.source": 12, "report.caller": 10, "report.recorder": 10, "report.note": 10,
        "review.reason": 5, "level.reason": 1, "level.order_no": 1, "plan.reason": 1, "incident.name": 3,
        "order.note": 1,
    }  # fmt: skip
    make = {name: planted.maker(name, count) for name, count in cells.items()}
    duty = desk.named("值班员甲")
    for road in roads[:12]:
        duty.do("road", "close", road, "--incident", INCIDENT, "--reason", make["closure.reason"](), "--source",
                make["closure.source"]())  # fmt: skip
    sent = []
    for village in villages[-10:]:
        told = duty.do(
            "report", "submit", village, "--incident", INCIDENT, "--set", "deaths=0", "--note", make["report.note"](),
            "--behalf", "phone", "--caller", make["report.caller"](), "--recorder", make["report.recorder"](),
        )  # fmt: skip
        sent.append(told["uuid"])
    office = _office(home, "灾情管理员癸")
    for version in sent[:5]:
        with office.transaction() as (session, act):
            reports.review_report(
                session, act, office.policy(), INCIDENT, version, verdict="returned", reason=make["review.reason"]()
            )
    with _office(home, "值班员甲").transaction() as (session, act):
        decision = response.Decision("III", APPROVER, make["level.reason"](), make["level.order_no"]())
        response.decide_level(session, act, office.policy(), INCIDENT, decision)
    desk.named("值班员甲").do("incident", "impact", "--incident", INCIDENT)
    desk.named(COORDINATOR).do("relief", "plan", "--incident", INCIDENT, "--reason", make["plan.reason"]())
    orders = desk.do("relief", "orders", "--incident", INCIDENT)["orders"]
    for order in [o for o in orders if o["state"] in ("approved", "oral_order", "issued")][:2]:
        desk.do("relief", "order", order["order_id"], "--to", "cancelled", "--note", make["order.note"]())
    office = _office(home, "值班员甲")
    with office.transaction() as (session, act):
        for k in range(3):
            told = incidents.Declaration(make["incident.name"](), "flood", act.at, incident_id=f"X-{k}")
            incidents.declare_incident(session, act, office.policy(), told)


def _accounts(home, planted):
    office = _office(home)
    login, name, label = (planted.maker(n) for n in ("account.login", "account.name", "device.label"))
    with office.transaction() as (session, act):
        for _ in range(len(PAYLOADS)):
            person = Person(login()[:59], name()[:59], "auditor", is_demo=True)
            accounts.add_person(session, act, office.policy(), person)
        for _ in range(len(PAYLOADS)):
            for who in ("admin", "leader"):
                code, _ = accounts.pair(session, act, office.policy(), who, SessionKind.PHONE, label(), watch())
                accounts.sign_in_device(session, act, code, watch() + timedelta(seconds=1))


NUMBER = re.compile(r"x\\*\((\d{3,4})")


@dataclass
class Witness:
    """Everything that shows that a script of a payload ran or one of its addresses was asked for."""

    ran: list[str] = field(default_factory=list)
    pages: int = 0
    maps: int = 0
    tips: int = 0
    seen: set[int] = field(default_factory=set)

    def on(self, context):
        context.expose_binding("__x", self._script)
        context.on("request", self._request)
        context.on("page", self._page)
        context.on("response", self._response)

    def _script(self, source, number=0):
        self.ran.append(f"{number} ran in {source['frame'].url}")

    def _request(self, request):
        if "canary-" in urlsplit(request.url).path:
            self.ran.append(f"asked {request.url}")

    def _page(self, page):
        page.on("dialog", self._dialog)
        page.on("websocket", lambda socket: socket.on("framereceived", self._told))

    def _response(self, response):
        if "/api/map/" in response.url and response.ok:
            self._told(response.text())

    def _told(self, words):
        """Note which payloads the app told the browser, escaped or not."""
        words = words.decode("utf-8", errors="replace") if isinstance(words, bytes) else words
        self.seen |= {int(number) for number in NUMBER.findall(words)}

    def _ran(self, source, number=0):
        self.ran.append(f"{number} ran in {source['frame'].url}")

    def _dialog(self, dialog):
        self.ran.append(f"dialog {dialog.message}")
        dialog.dismiss()


LINKS = """() => [...document.querySelectorAll('a,area,form,iframe,object,embed,link,base,meta')].map((e) =>
  ['href', 'action', 'src', 'data', 'content'].map((name) => e.getAttribute(name) || '').join(' '))
  .filter((x) => /(^|\\s)(javascript:|data:text\\/html)|^[^?]*canary-/i.test(x))"""
# Every tooltip and popup of every map, a hundred at a time, as if each had been pointed at.
TIPS = """async () => {
  const charts = Object.values(window).filter((x) => window.L && x instanceof L.Map);
  let tips = 0;
  for (const chart of charts) {
    const layers = [];
    chart.eachLayer((layer) => { if (layer.getTooltip?.() || layer.getPopup?.()) layers.push(layer); });
    for (const layer of layers.slice(0, 400)) {
      try { if (layer.getTooltip()) layer.openTooltip(); if (layer.getPopup()) layer.openPopup(); tips++; } catch (e) {}
    }
    await new Promise((done) => setTimeout(done, 300));
    for (const layer of layers.slice(0, 400)) { try { layer.closeTooltip(); layer.closePopup(); } catch (e) {} }
  }
  return [charts.length, tips];
}"""


def look(page, witness):
    """Look at a page that stands: its links, its maps, all that is pointed at, and which payloads it shows."""
    witness.pages += 1
    for frame in page.frames:
        try:
            witness.ran += [f"link {href}" for href in frame.evaluate(LINKS)]
            charts, tips = frame.evaluate(TIPS)
            witness._told(frame.content())
        except Error as error:  # a payload led the page away, or took it down
            witness.ran.append(f"gone: {str(error).splitlines()[0]}")
            continue
        witness.maps += charts
        witness.tips += tips
    page.wait_for_timeout(200)

import numpy as np
import pytest
import rasterio
from rasterio import Affine

from geo_minzheng.errors import InputError
from geo_minzheng.layers.detect import Limits
from geo_minzheng.layers.options import ReadOptions
from geo_minzheng.layers.raster import read_raster
from geo_minzheng.layers.raster_extract import extract

# rasterio multiplies its own affines in a way that its own dependency is phasing out.
pytestmark = pytest.mark.filterwarnings("ignore::PendingDeprecationWarning")
BOX = (114.3, 30.1, 115.1, 30.9)
DEPTH = np.array([[0.0, 1.5, -9999.0], [2.5, 3.0, 0.25]], dtype="float32")


def write(path, data=DEPTH, *, crs="EPSG:4490", nodata=-9999.0, transform=None, driver="GTiff", dtype="float32"):
    transform = transform or Affine(0.01, 0, 114.7, 0, -0.01, 30.5)
    height, width = data.shape
    options = {
        "height": height,
        "width": width,
        "count": 1,
        "dtype": dtype,
        "crs": crs,
        "nodata": nodata,
        "transform": transform,
    }
    with rasterio.open(path, "w", driver=driver, **options) as target:
        target.write(data.astype(dtype), 1)
    return path


@pytest.mark.parametrize("driver", ["GTiff", "AAIGrid"])
def test_depths_come_through(tmp_path, driver):
    path = tmp_path / "d.tif"
    if driver == "AAIGrid":
        path = tmp_path / "d.asc"
        rows = "\n".join(" ".join(map(str, row)) for row in DEPTH)
        path.write_text(
            f"ncols 3\nnrows 2\nxllcorner 114.7\nyllcorner 30.48\ncellsize 0.01\nNODATA_value -9999\n{rows}\n",
            encoding="ascii",
        )
    else:
        write(path)
    found = read_raster(path, ReadOptions(box=BOX, crs="" if driver == "GTiff" else "EPSG:4490"))
    assert found.crs == "EPSG:4490"
    assert found.array.dtype == np.float32
    np.testing.assert_allclose(found.array, np.where(DEPTH < 0, np.nan, DEPTH))
    assert found.bounds == pytest.approx((114.7, 30.48, 114.73, 30.5))
    assert found.nodata == -9999.0


def test_metres_stay_metres(tmp_path):
    path = write(tmp_path / "m.tif", crs="EPSG:4547", transform=Affine(30, 0, 567_000, 0, -30, 3_370_000))
    found = read_raster(path, ReadOptions(box=BOX))
    assert found.crs == "EPSG:4547"
    assert found.affine[0] == 30


@pytest.mark.parametrize(
    ("change", "options", "code"),
    [
        ({"crs": None}, {}, "crs_missing"),
        ({}, {"crs": "gcj02"}, "raster_shifted"),
        ({}, {"crs": "EPSG:999999"}, "crs_unknown"),
        ({"nodata": None}, {}, "raster_negative"),
        ({"data": np.full((2, 2), np.inf, "float32")}, {}, "raster_infinite"),
        ({"data": np.full((2, 2), -9999.0)}, {}, "raster_empty"),
        ({"transform": Affine(0.01, 0, 10, 0, -0.01, 10)}, {}, "raster_outside"),
        ({"transform": Affine(0.01, 0.001, 114.7, 0, -0.01, 30.5)}, {}, "raster_rotated"),
        ({"dtype": "complex64"}, {}, "raster_kind"),
    ],
)
def test_what_is_no_depth_is_refused(tmp_path, sentences, change, options, code):
    path = write(tmp_path / "b.tif", **{"data": DEPTH, **change})
    with pytest.raises(InputError) as found:
        read_raster(path, ReadOptions(box=BOX, **options))
    assert found.value.key == f"layers.{code}"
    for text in sentences.values():
        assert "b.tif" in text["error"]["layers"][code].format(**found.value.facts)


def test_disguised_damaged_and_giant_rasters_are_refused(tmp_path):
    (tmp_path / "v.tif").write_text("<VRTDataset></VRTDataset>", encoding="ascii")
    with pytest.raises(InputError, match="content_mismatch"):
        read_raster(tmp_path / "v.tif")
    data = write(tmp_path / "w.tif").read_bytes()
    (tmp_path / "t.tif").write_bytes(data[: len(data) // 3])
    with pytest.raises(InputError, match="file_broken"):
        read_raster(tmp_path / "t.tif")
    with pytest.raises(InputError, match="raster_too_big"):
        extract(write(tmp_path / "g.tif"), tmp_path, Limits(cells=5))
    assert extract(tmp_path / "g.tif", tmp_path, Limits())["nodata"] == -9999.0


def grid(path, cells, nodata="-9999"):
    head = f"ncols 2\nnrows 2\nxllcorner 114.7\nyllcorner 30.4\ncellsize 0.01\nNODATA_value {nodata}\n"
    path.write_text(head + cells, encoding="ascii")
    return path


@pytest.mark.parametrize(
    ("cells", "code"),
    [
        ("1 2\n3 deep\n", "file_broken"), ("1 2\n3 4m", "file_broken"), ("1 2\n1_0 4\n", "file_broken"),
        ("nan nan\nnan nan\n", "raster_empty"), ("1 2\n3 -inf\n", "raster_infinite"),
    ],
)  # fmt: skip
def test_words_in_a_grid_are_no_depths(tmp_path, cells, code):
    with pytest.raises(InputError, match=code):
        read_raster(grid(tmp_path / "g.asc", cells), ReadOptions(crs="EPSG:4490"))


def test_a_grid_of_whole_numbers_may_say_nan(tmp_path):
    found = read_raster(grid(tmp_path / "g.asc", "nan 2\n3 1e1\n", nodata="nan"), ReadOptions(crs="EPSG:4490"))
    np.testing.assert_array_equal(found.array, [[np.nan, 2], [3, 10]])


def test_a_grid_without_a_system_is_told_which_would_fit(tmp_path):
    path = tmp_path / "depth.asc"
    path.write_text("ncols 2\nnrows 2\nxllcorner 114.80\nyllcorner 30.40\ncellsize 0.01\n1 1\n1 1\n")
    with pytest.raises(InputError) as caught:
        read_raster(path, ReadOptions(box=(114.7, 30.3, 115.0, 30.6)))
    assert caught.value.key == "layers.crs_missing"
    assert caught.value.facts["value"] == "114.8, 30.42"
    assert "EPSG:4490" in caught.value.facts["fitting"]

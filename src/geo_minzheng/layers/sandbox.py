"""Confine the process that opens a foreign file: drivers, memory, time, no network, no other program."""

from __future__ import annotations

import ctypes
import os
import platform
import resource
import signal
import struct
import sys
from collections.abc import Iterable

# Every driver name of the two GDAL builds in use; a name that a build does not know is only a warning there.
_DRIVERS = """
DERIVED,GTI,SNAP_TIFF,GTiff,COG,LIBERTIFF,VRT,NITF,RPFTOC,ECRGTOC,HFA,SAR_CEOS,CEOS,JAXAPALSAR,GFF,ELAS,ESRIC,AIG,
AAIGrid,GRASSASCIIGrid,ISG,SDTS,DTED,PNG,JPEG,MEM,JDEM,GIF,BIGGIF,ESAT,BSB,XPM,BMP,DIMAP,AirSAR,RS2,SAFE,PCIDSK,
PCRaster,ILWIS,SGI,SRTMHGT,Leveller,Terragen,netCDF,ISIS3,ISIS2,PDS,PDS4,VICAR,TIL,ERS,JP2OpenJPEG,L1B,FIT,GRIB,RMF,
WCS,WMS,MSGN,RST,GSAG,GSBG,GS7BG,COSAR,TSX,COASP,R,MAP,KMLSUPEROVERLAY,WEBP,PDF,Rasterlite,MBTiles,PLMOSAIC,CALS,
WMTS,SENTINEL2,MRF,PNM,DOQ1,DOQ2,PAux,MFF,MFF2,GSC,FAST,BT,LAN,CPG,NDF,EIR,DIPEx,LCP,GTX,LOSLAS,NTv2,CTable2,ACE2,
SNODAS,KRO,ROI_PAC,RRASTER,BYN,NOAA_B,NSIDCbin,RIK,USGSDEM,GXF,BAG,S102,S104,S111,HDF5,HDF5Image,NWT_GRD,NWT_GRC,
ADRG,SRP,BLX,SAGA,XYZ,HF2,OZI,CTG,ZMap,NGSGEOID,IRIS,PRF,EEDAI,EEDA,DAAS,SIGDEM,TGA,OGCAPI,STACTA,STACIT,GDALG,
GNMFile,GNMDatabase,ESRI Shapefile,MapInfo File,LVBAG,S57,DGN,OGR_VRT,Memory,CSV,GML,GPX,LIBKML,KML,GeoJSON,
GeoJSONSeq,ESRIJSON,TopoJSON,OGR_GMT,GPKG,SQLite,WAsP,OpenFileGDB,DXF,FlatGeobuf,GeoRSS,VFK,PGDUMP,OSM,GPSBabel,
OGR_PDS,WFS,OAPIF,EDIGEO,Idrisi,ODS,XLSX,Elasticsearch,Carto,AmigoCloud,SXF,Selafin,JML,PLSCENES,CSW,VDV,MVT,NGW,
MapML,GTFS,PMTiles,JSONFG,MiraMonVector,MiraMonRaster,ADBC,AVCBin,AVCE00,AIVector,GenBin,ENVI,EHdr,ISCE,Zarr,RCM,HTTP
"""
DRIVERS = tuple(name for name in _DRIVERS.replace("\n", "").split(",") if name)

_SECCOMP_ARCH = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7, "loongarch64": 0xC0000102}
# socket, connect, execve, execveat, ptrace by processor; the generic table serves aarch64 and loongarch64.
_FORBIDDEN_CALLS = {
    "x86_64": (41, 42, 53, 59, 322, 101),
    "aarch64": (198, 203, 199, 221, 281, 117),
    "loongarch64": (198, 203, 199, 221, 281, 117),
}
_CLONE_NEWNET, _CLONE_NEWUSER = 0x40000000, 0x10000000
_PR_SET_NO_NEW_PRIVS, _PR_SET_SECCOMP, _PR_SET_PDEATHSIG = 38, 22, 1
_NETWORK_EVENTS = (
    "socket.",
    "urllib.",
    "http.",
    "ftplib.",
    "smtplib.",
    "subprocess.",
    "os.system",
    "os.exec",
    "os.posix_spawn",
    "os.fork",
    "ctypes.dlopen",
)


def gdal_environment(drivers: Iterable[str], extra: Iterable[str] = ()) -> dict[str, str]:
    """Build the environment of a worker whose GDAL knows the named drivers only.

    One list serves raster and vector drivers; naming a driver in ``OGR_SKIP`` as well ends GDAL 3.12 with a
    segmentation fault at its start.

    Parameters
    ----------
    drivers
        GDAL driver names that stay.
    extra
        Driver names that a newer build registered beyond the known list.
    """
    keep = set(drivers)
    skip = ",".join([d for d in (*DRIVERS, *extra) if d not in keep])
    return {
        "PATH": os.defpath,
        "LANG": "C.UTF-8",
        "LC_ALL": "C.UTF-8",
        "MALLOC_ARENA_MAX": "1",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "GDAL_SKIP": skip,
        "GDAL_DRIVER_PATH": "disable",
        "GDAL_PYTHON_DRIVER_PATH": "",
        "GDAL_VRT_ENABLE_PYTHON": "NO",
        "GDAL_DISABLE_READDIR_ON_OPEN": "YES",
        "GDAL_PAM_ENABLED": "NO",
        "GDAL_CACHEMAX": "64",
        "GDAL_NUM_THREADS": "1",
        "GDAL_HTTP_TIMEOUT": "1",
        "CPL_VSIL_CURL_ALLOWED_EXTENSIONS": ".none",
        "CPL_VSIL_CURL_USE_HEAD": "NO",
        "OGR_SQLITE_LOAD_EXTENSIONS": "NO",
        "SHAPE_RESTORE_SHX": "NO",
        "CPL_DEBUG": "OFF",
        "CPL_LOG": "/dev/null",
        "PROJ_NETWORK": "OFF",
    }


def _filter_program(machine: str) -> bytes:
    calls = _FORBIDDEN_CALLS[machine]
    load, jump, answer = 0x20, 0x15, 0x06
    steps = [
        struct.pack("HBBI", load, 0, 0, 4),
        struct.pack("HBBI", jump, 1, 0, _SECCOMP_ARCH[machine]),
        struct.pack("HBBI", answer, 0, 0, 0x80000000),
        struct.pack("HBBI", load, 0, 0, 0),
    ]
    for i, call in enumerate(calls):
        steps.append(struct.pack("HBBI", jump, len(calls) - i, 0, call))
    steps.append(struct.pack("HBBI", answer, 0, 0, 0x7FFF0000))
    steps.append(struct.pack("HBBI", answer, 0, 0, 0x00050000 | 13))
    return b"".join(steps)


def _deny_calls() -> bool:
    """Forbid sockets and new programs by a system-call filter; no privilege is needed."""
    machine = platform.machine()
    if machine not in _SECCOMP_ARCH:
        return False
    program = _filter_program(machine)
    buffer = ctypes.create_string_buffer(program, len(program))
    head = struct.pack("HxxxxxxP", len(program) // 8, ctypes.addressof(buffer))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        return False
    return bool(libc.prctl(_PR_SET_SECCOMP, 2, ctypes.create_string_buffer(head, len(head)), 0, 0) == 0)


def _leave_network() -> bool:
    """Move to a network namespace of its own that has no interface."""
    libc = ctypes.CDLL(None, use_errno=True)
    return bool(libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNET) == 0)


def _refuse_event(event: str, _args: tuple[object, ...]) -> None:
    if event.startswith(_NETWORK_EVENTS):
        raise PermissionError(f"the worker may not {event}")


def confine(*, cpu_s: int, wall_s: int, output_bytes: int, isolated: bool = True) -> bool:
    """Give up what a reader of files does not need; irreversible.

    Parameters
    ----------
    cpu_s, wall_s
        Processor and elapsed time after which the kernel ends the process [s].
    output_bytes
        Largest file the process may write [B].
    isolated
        Whether to cut the network and forbid other programs as well.

    Returns
    -------
    bool
        Whether the network is really out of reach.
    """
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_s, cpu_s + 1))
    resource.setrlimit(resource.RLIMIT_FSIZE, (output_bytes, output_bytes))
    signal.alarm(wall_s)
    if not isolated:
        return False
    done = _deny_calls() or _leave_network()
    sys.addaudithook(_refuse_event)
    return done

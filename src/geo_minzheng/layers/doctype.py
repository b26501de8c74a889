"""Refuse XML with a document type declaration: the door to entity bombs and to other files."""

from __future__ import annotations

from collections.abc import Iterator
from xml.parsers import expat

from geo_minzheng.errors import InputError


def refuse_doctype(chunks: Iterator[bytes]) -> None:
    """Scan XML and refuse any document type declaration, whatever its encoding.

    Raises
    ------
    InputError
        ``layers.xml_dtd`` or ``layers.file_broken``.
    """

    def refuse(*_: object) -> None:
        raise InputError("layers.xml_dtd")

    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = refuse
    parser.EntityDeclHandler = refuse
    try:
        for chunk in chunks:
            parser.Parse(chunk, False)
        parser.Parse(b"", True)
    except expat.ExpatError as error:
        raise InputError("layers.file_broken", reason=str(error)) from error

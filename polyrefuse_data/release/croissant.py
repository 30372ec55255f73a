"""croissant.json: describes the release in Croissant 1.0, so that other tools can load typed records.

The files are FileObjects with their sha256; records are read from a FileSet over the data files. Paths are relative, so
the description holds in a folder as well as at a revision of a repository. Specification: docs.mlcommons.org/croissant.
"""

from __future__ import annotations

import json
from typing import Any

import pyarrow as pa

from polyrefuse_data.release import layout
from polyrefuse_data.release.manifest import FileEntry, Manifest
from polyrefuse_data.release.schema import RELEASE_SCHEMA
from polyrefuse_data.rows import LABELS
from polyrefuse_data.text.printable import printable_line

CONFORMS_TO = "http://mlcommons.org/croissant/1.0"
_PARQUET = "application/x-parquet"  # the type that Croissant readers know

# The names that the specification asks every description to define.
_CONTEXT: dict[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "equivalentProperty": "cr:equivalentProperty",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileProperty": "cr:fileProperty",
    "fileObject": "cr:fileObject",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "parentField": "cr:parentField",
    "path": "cr:path",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "samplingRate": "cr:samplingRate",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}

_DESCRIPTIONS = {
    "id": "Stable id of the prompt: source and hash of its English text",
    "language": "BCP-47 language of `text`",
    "label": f"Class index: {', '.join(f'{index} {name}' for index, name in enumerate(LABELS))}",
    "split": "train, validation or test; one for all languages of a prompt",
    "text": "The prompt in `language`",
    "text_en": "The English source of the prompt",
    "expected": "What a model should do: refuse a harmful prompt, comply with a harmless one",
    "flags": "Names of the checks that fired",
    "parallel": "True where the prompt is accepted in every language of the release",
}


def render_croissant(manifest: Manifest) -> str:
    """croissant.json of a release, from its manifest (whose `files` must include the Parquet files)."""
    tables = {
        path: manifest.files[path] for top in (layout.DATA, layout.REJECTED) for path in manifest.parquet_files(top)
    }
    description = {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": CONFORMS_TO,
        "name": printable_line(manifest.name),
        "description": "Harmful and harmless prompts in many languages, for measuring refusal in language models.",
        "license": printable_line(manifest.license),
        "version": manifest.version,
        "inLanguage": manifest.languages,
        "isLiveDataset": False,
        "citeAs": f"{printable_line(manifest.name)} {manifest.version}, content sha256 {manifest.content_sha256}",
        **_publication(manifest),
        "distribution": [*map(_file_object, tables, tables.values()), _file_set()],
        "recordSet": [_record_set()],
    }
    return json.dumps(description, ensure_ascii=False, indent=2) + "\n"


def _publication(manifest: Manifest) -> dict[str, Any]:
    """Address, DOI and date, where they were said."""
    said = manifest.published
    facts = {"url": said.url, "identifier": said.identifier, "datePublished": said.date} if said else {}
    return {name: value for name, value in facts.items() if value}


def _file_object(path: str, entry: FileEntry) -> dict[str, Any]:
    return {
        "@type": "cr:FileObject",
        "@id": path,
        "name": path,
        "contentUrl": path,
        "contentSize": f"{entry.bytes} B",
        "encodingFormat": _PARQUET,
        "sha256": entry.sha256,
    }


def _file_set() -> dict[str, Any]:
    return {
        "@type": "cr:FileSet",
        "@id": "data-files",
        "name": "data-files",
        "description": "The accepted rows, a file for each language, label and split",
        "encodingFormat": _PARQUET,
        "includes": f"{layout.DATA}/*/*.parquet",
    }


def _record_set() -> dict[str, Any]:
    return {
        "@type": "cr:RecordSet",
        "@id": "prompts",
        "name": "prompts",
        "description": "One record for each prompt and language",
        "key": [{"@id": "prompts/id"}, {"@id": "prompts/language"}],
        "field": [_field(field) for field in RELEASE_SCHEMA],
    }


def _field(field: pa.Field) -> dict[str, Any]:
    is_list = pa.types.is_list(field.type)
    record = {
        "@type": "cr:Field",
        "@id": f"prompts/{field.name}",
        "name": field.name,
        "description": _DESCRIPTIONS.get(field.name, field.name.replace("_", " ")),
        "dataType": _data_type(field.type.value_type if is_list else field.type),
        "source": {"fileSet": {"@id": "data-files"}, "extract": {"column": field.name}},
    }
    return record | ({"repeated": True} if is_list else {})


def _data_type(kind: pa.DataType) -> str:
    if pa.types.is_boolean(kind):
        return "sc:Boolean"
    if pa.types.is_integer(kind):
        return "sc:Integer"
    return "sc:Float" if pa.types.is_floating(kind) else "sc:Text"

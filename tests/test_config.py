from __future__ import annotations

from pathlib import Path

import pytest

from polyrefuse_data.config import Config, NllbBackend, SourceConfig, config_hash, load_config, parse_config
from polyrefuse_data.errors import ConfigError
from polyrefuse_data.languages import TARGET_LANGUAGES


def write(folder: Path, text: str) -> Path:
    path = folder / "polyrefuse.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_without_a_file_everything_has_its_default() -> None:
    config = load_config(None)
    assert config.languages == list(TARGET_LANGUAGES)
    assert config.translation.backends[0].engine == "nllb"


def test_flags_come_before_the_environment_before_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path, 'languages = ["de"]\n[release]\nname = "file"\nlicense = "file"\n')
    monkeypatch.setenv("POLYREFUSE_RELEASE__NAME", "environment")
    monkeypatch.setenv("POLYREFUSE_RELEASE__LICENSE", "environment")
    monkeypatch.setenv("POLYREFUSE_LANGUAGES", '["pl", "yo"]')
    config = load_config(path, {"release.license": "flag"})
    assert (config.release.name, config.release.license, config.languages) == ("environment", "flag", ["pl", "yo"])


def test_other_variables_of_the_prefix_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POLYREFUSE_CACHE", "/somewhere")
    assert load_config(None) == Config()


@pytest.mark.parametrize("value", ["0.1.0", "two words", "1\nx = 2"])
def test_a_variable_that_is_not_toml_is_a_string(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("POLYREFUSE_RELEASE__NAME", value)
    assert load_config(None).release.name == value


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("langauges = []", "langauges: unknown key"),
        ("[release]\nnmae = 1", "release.nmae: unknown key"),
        ('[[translation.backends]]\nengine = "nllb"\nnum_beams = 0', "translation.backends.0.num_beams: "),
        (
            '[[translation.backends]]\nengine = "nlb"',
            "translation.backends.0.engine: 'nlb' is unknown: use one of memory, nllb",
        ),
        ("[[translation.backends]]\npaths = []", "translation.backends.0.engine: "),
        ('[translation.back_translation]\nengine = "nllb"\ndtype = 1', "translation.back_translation.dtype: "),
        ("translation.backends = []", "translation.backends: "),
        ('[[sources]]\nname = "x"\nlimit = 0', "sources.0.limit: "),
        (
            '[[sources]]\nname = "alpaca"\nsplit = "test"',
            "sources.0: label and split work only for a source with a path",
        ),
        ('languages = ["xx"]', "languages: unknown language 'xx'"),
        ('languages = ["ig", "ibo_Latn"]', "languages: a language is named twice"),
        ('release = "x"', "release: "),
    ],
)
def test_an_error_names_file_and_key(tmp_path: Path, text: str, key: str) -> None:
    path = write(tmp_path, text)
    with pytest.raises(ConfigError) as error:
        load_config(path)
    assert str(error.value).startswith(f"{path}: {key}")


def test_every_error_of_a_file_is_told_at_once(tmp_path: Path) -> None:
    path = write(tmp_path, 'languages = ["xx"]\n[release]\nnmae = 1')
    with pytest.raises(ConfigError) as error:
        load_config(path)
    assert len(str(error.value).splitlines()) == 2


def test_a_missing_file_names_the_command_that_makes_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="polyrefuse init"):
        load_config(tmp_path / "polyrefuse.toml")


@pytest.mark.parametrize("content", [b"languages = [", b"name = \xff", b"a = 1\na = 2"])
def test_a_broken_file_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "polyrefuse.toml"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match="not readable as TOML"):
        load_config(path)


def test_a_folder_in_place_of_a_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="it is a folder"):
        load_config(tmp_path)


def test_a_key_below_a_value_is_no_section(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = write(tmp_path, 'languages = ["de"]')
    monkeypatch.setenv("POLYREFUSE_LANGUAGES__0", "pl")
    with pytest.raises(ConfigError, match="POLYREFUSE_LANGUAGES__0: languages is not a section"):
        load_config(path)


def test_paths_are_taken_from_the_files_folder(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        '[[sources]]\nname = "mine"\npath = "data/mine.jsonl"\n'
        '[[sources]]\nname = "far"\npath = "/far/away.csv"\n'
        '[[sources]]\nname = "home"\npath = "~/home.csv"\n'
        '[[translation.backends]]\nengine = "memory"\npaths = ["memory.tmx"]\n',
    )
    config = load_config(path)
    assert [source.path for source in config.sources] == [
        tmp_path / "data/mine.jsonl",
        Path("/far/away.csv"),
        Path.home() / "home.csv",
    ]
    assert config.translation.backends[0].paths == [tmp_path / "memory.tmx"]  # type: ignore[union-attr]


@pytest.mark.parametrize("name", ["models/nllb", "./models/nllb", "./gone"])
def test_a_model_folder_is_taken_from_the_files_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir("/")
    hashes = []
    for place in ("a", "b"):
        (tmp_path / place / "models" / "nllb").mkdir(parents=True)
        file = tmp_path / place / "polyrefuse.toml"
        file.write_text(f'translation.backends = [{{ engine = "nllb", model = "{name}" }}]')
        config = load_config(file)
        backend = config.translation.backends[0]
        assert isinstance(backend, NllbBackend)
        assert backend.model == tmp_path / place / name
        hashes.append(config_hash(config))
    assert hashes[0] == hashes[1]


def test_a_hub_id_stays_one(tmp_path: Path) -> None:
    file = tmp_path / "polyrefuse.toml"
    file.write_text('translation.backends = [{ engine = "nllb", model = "org/name" }]')
    backend = load_config(file).translation.backends[0]
    assert isinstance(backend, NllbBackend)
    assert backend.model == "org/name"


def test_the_source_language_is_no_target_and_flores_codes_are_kept() -> None:
    assert parse_config({"languages": ["en", "de", "ibo_Latn"]}).languages == ["de", "ibo_Latn"]


def test_the_hash_follows_settings_not_folders(tmp_path: Path) -> None:
    def hash_in(folder: str, name: str) -> str:
        path = tmp_path / folder
        path.mkdir(exist_ok=True)
        return config_hash(load_config(write(path, f'[[sources]]\nname = "{name}"\npath = "mine.jsonl"\n')))

    assert hash_in("one", "mine") == hash_in("two", "mine")
    assert hash_in("one", "mine") != hash_in("one", "other")


def test_a_config_cannot_be_changed() -> None:
    with pytest.raises(Exception, match="frozen"):
        SourceConfig(name="x").name = "y"  # type: ignore[misc]

"""Where settings come from, and what a wrong one is answered with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gatehouse_common.errors import GatehouseError, InvalidInput
from gatehouse_common.settings import Settings, fsync_every_us, load
from gatehouse_common.settings.secret_names import is_secret


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")


def from_toml(text: str, **environ: str) -> Settings:
    Path("gatehouse.toml").write_text(text, encoding="utf-8")
    return load(environ=environ)


def test_without_anything_there_are_defaults() -> None:
    settings = load(environ={"PATH": "/bin", "GATEHOUSE_TEST_KILLS": "3"})
    assert settings.values.recording.chunk_seconds == 600
    assert settings.database_url == f"sqlite:///{Path('data').absolute()}/gatehouse.db"
    assert settings.storage_root == Path("data").absolute()
    assert set(settings.sources.values()) == {"default"}


def test_command_line_before_environment_before_file_before_default() -> None:
    Path("gatehouse.toml").write_text('timezone = "Europe/Berlin"\n[api]\nport = 1\nhost = "a"\nthreads = 9\n')
    settings = load({"api.port": 3, "api.host": None}, environ={"GATEHOUSE_API__PORT": "2", "GATEHOUSE_API__HOST": "b"})
    api = settings.values.api
    assert (api.port, api.host, api.threads, api.max_live_viewers) == (3, "b", 9, 40)
    told = [settings.sources[f"api.{name}"] for name in ("port", "host", "threads", "max_live_viewers")]
    assert told == ["command line", "environment", "gatehouse.toml", "default"]
    assert settings.values.timezone == "Europe/Berlin"


def test_a_file_in_the_data_directory_is_found_wherever_that_is_named(tmp_path: Path) -> None:
    data = tmp_path / "elsewhere"
    data.mkdir()
    (data / "gatehouse.toml").write_text("api.port = 7\n")
    assert load({"data_dir": str(data)}, environ={}).values.api.port == 7
    found = load(environ={"GATEHOUSE_DATA_DIR": str(data)})
    assert found.sources["api.port"] == str(data / "gatehouse.toml")
    Path("gatehouse.toml").write_text("api.port = 8\n")
    assert load({"data_dir": str(data)}, environ={}).values.api.port == 8
    assert load({"data_dir": str(data)}, config=data / "gatehouse.toml", environ={}).values.api.port == 7


def test_a_secret_can_come_from_a_file(tmp_path: Path) -> None:
    """S0-40."""
    secret = tmp_path / "url"
    secret.write_text("sqlite:////var/lib/x.db\nnot this line\n")
    settings = load(environ={"GATEHOUSE_DATABASE_URL_FILE": str(secret)})
    assert settings.database_url == "sqlite:////var/lib/x.db"
    assert settings.sources["database_url"] == str(secret)


def test_the_setting_that_ends_in_file_is_a_setting(tmp_path: Path) -> None:
    assert load(environ={"GATEHOUSE_LOG__FILE": "app.log"}).values.log.file == Path("app.log")
    assert load(environ={"GATEHOUSE_LOG__FILE": ""}).values.log.file is None


@pytest.mark.parametrize(
    "environ",
    [
        {"GATEHOUSE_SERVICE_HOST": "10.0.0.1", "GATEHOUSE_PORT": "tcp://10.0.0.1:80"},
        {"GATEHOUSE_API_PORT_5000_TCP_ADDR": "10.0.0.1", "GATEHOUSE_API_SERVICE_PORT_HTTP": "5000"},
    ],
)
def test_what_kubernetes_adds_for_a_service_of_our_name_is_no_setting(environ: dict[str, str]) -> None:
    assert set(load(environ=environ).sources.values()) == {"default"}


@pytest.mark.parametrize(
    ("environ", "said"),
    [
        ({"GATEHOUSE_API_PORT": "5001"}, "there is no setting GATEHOUSE_API_PORT: did you mean GATEHOUSE_API__PORT?"),
        ({"GATEHOUSE_ZZZ": "1"}, "`gatehouse config reference` lists all"),
        (
            {"GATEHOUSE_API__PORT": "http"},
            "setting api.port = 'http' (from environment) is wrong: it should be a valid",
        ),
        ({"GATEHOUSE_API__PORT": "70000"}, "less than or equal to 65535"),
        ({"GATEHOUSE_API__MAX_RANGE_SECONDS": "inf"}, "api.max_range_seconds = 'inf'"),
        ({"GATEHOUSE_RECORDING__CHUNK_SECONDS": "nan"}, "recording.chunk_seconds = 'nan'"),
        ({"GATEHOUSE_RECORDING__FSYNC": "sometimes"}, "use 'part', 'seconds:N' (e.g. 'seconds:2') or 'chunk'"),
        ({"GATEHOUSE_RECORDING__FSYNC": "seconds:-1"}, "recording.fsync = 'seconds:-1'"),
        ({"GATEHOUSE_TIMEZONE": "Mars/Olympus"}, "timezone = 'Mars/Olympus'"),
        ({"GATEHOUSE_TIMEZONE": "../../etc/passwd"}, "timezone"),
        ({"GATEHOUSE_LOG__LEVEL": "loud"}, "'debug', 'info', 'warning' or 'error'"),
        ({"GATEHOUSE_DATA_DIR": " "}, "data_dir = ' ' (from environment) is wrong: it must not be blank"),
        ({"GATEHOUSE_DATABASE_URL": "a", "GATEHOUSE_DATABASE_URL_FILE": "b"}, "are both set: keep one"),
        ({"GATEHOUSE_DATABASE_URL_FILE": "/does/not/exist"}, "GATEHOUSE_DATABASE_URL_FILE"),
    ],
)
def test_a_wrong_variable_gets_one_clear_sentence(environ: dict[str, str], said: str) -> None:
    with pytest.raises(GatehouseError) as caught:
        load(environ=environ)
    assert said in caught.value.message
    assert "\n" not in caught.value.message
    assert "Value error" not in caught.value.message


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("api = 5", "there is no setting api (from gatehouse.toml)"),
        ("[timezone]\nname = 'UTC'", "there is no setting timezone.name"),
        ("[api]\nprot = 1", "did you mean api.port?"),
        ("[api\n", "gatehouse.toml is not valid TOML"),
        ("[api]\nport = [1]", "setting api.port = '[1]' (from gatehouse.toml) is wrong"),
        ('data_dir = "a\\u0000b"', "NUL"),
        ("a = " + "[" * 5000, "gatehouse.toml is not valid TOML"),
    ],
)
def test_a_wrong_file_gets_one_clear_sentence(text: str, said: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        from_toml(text)
    assert said in caught.value.message


def test_a_file_that_is_no_text_is_told(tmp_path: Path) -> None:
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InvalidInput, match="not valid TOML"):
        load(config=tmp_path / "binary", environ={})
    with pytest.raises(InvalidInput, match="is not text"):
        load(environ={"GATEHOUSE_DATABASE_URL_FILE": str(tmp_path / "binary")})
    with pytest.raises(GatehouseError, match="reading settings from"):
        load(config=tmp_path / "missing.toml", environ={})


@pytest.mark.parametrize("overrides", [{"database_url": 5}, {"broker_url": ["amqp://u:canary@h"]}])
def test_an_error_never_shows_the_value_of_a_url(overrides: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput) as caught:
        load(overrides, environ={})
    assert "canary" not in caught.value.message
    assert " = " not in caught.value.message


def test_a_store_of_another_kind_is_told_what_there_is() -> None:
    with pytest.raises(InvalidInput, match="use file:///path or s3://bucket"):
        _ = load({"storage_url": "ftp://user:canary@bucket"}, environ={}).storage_root
    assert load({"storage_url": "s3://bucket"}, environ={}).storage_root is None
    assert load({"storage_url": "file:///srv/footage"}, environ={}).storage_root == Path("/srv/footage")


@pytest.mark.parametrize(
    ("text", "us"), [("part", 0), ("seconds:2", 2_000_000), ("seconds:0.5", 500_000), ("chunk", None)]
)
def test_fsync_policies(text: str, us: int | None) -> None:
    assert fsync_every_us(load({"recording.fsync": text}, environ={}).values.recording.fsync) == us


@pytest.mark.parametrize("hosts", ["", "*", "nvr", "a.example, B-2.example.org", "nvr,"])
def test_names_of_hosts_are_listed(hosts: str) -> None:
    assert load({"api.allowed_hosts": hosts}, environ={}).values.api.allowed_hosts == hosts


@pytest.mark.parametrize("hosts", ["http://nvr", "nvr:5000", "*.example.org", "a b", "-nvr", "nvr..lan"])
def test_what_is_no_name_of_a_host_is_told(hosts: str) -> None:
    with pytest.raises(InvalidInput, match="is no host name"):
        load({"api.allowed_hosts": hosts}, environ={})


def test_what_is_secret_is_known_by_its_name() -> None:
    """A setting that keeps a secret and is called otherwise would be shown by `gatehouse config show`."""
    names = [name for name in load(environ={}).sources if is_secret(name)]
    assert sorted(names) == [
        "auth.admin_password",
        "auth.proxy_secret",
        "mqtt.password",
        "sealing_key",
        "service.token",
        "storage.secret_key",
    ]

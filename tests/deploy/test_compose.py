"""The compose files: by the schema, closed to the outside, and with every setting."""

import json
import re
from typing import Any

import jsonschema
import pytest

from cli import keys
from contract.access import Scope
from contract.settings import Settings
from tests.deploy.files import ROOT, compose, stages

GPU = ("docker-compose.yml",)
CPU = ("docker-compose.yml", "docker-compose.cpu.yml")
SCHEMA = json.loads((ROOT / "tests" / "deploy" / "compose-spec.json").read_text())


def faults(document: Any) -> list[str]:
    # The schema names draft 2019-09 but is written in draft 7 (its "definitions" and "id").
    return [error.message for error in jsonschema.Draft7Validator(SCHEMA).iter_errors(document)]


@pytest.mark.parametrize("files", [GPU, CPU])
def test_they_follow_the_schema(files: tuple[str, ...]) -> None:
    assert faults(compose(*files)) == []


def test_the_schema_sees_mistakes() -> None:
    document = compose(*GPU)
    document["services"]["api"]["port"] = document["services"]["api"].pop("ports")
    assert len(faults(document)) == 1
    assert faults({"services": {"api": {"healthcheck": {"test": 5}}}}) != []


def test_a_gpu_is_reserved_and_on_a_laptop_none() -> None:
    reserved = compose(*GPU)["services"]["worker"]["deploy"]["resources"]["reservations"]["devices"]
    assert reserved == [{"driver": "nvidia", "count": 1, "capabilities": ["gpu"]}]
    assert "deploy" not in compose(*CPU)["services"]["worker"]


@pytest.mark.parametrize("files", [GPU, CPU])
def test_what_is_built_has_a_recipe(files: tuple[str, ...]) -> None:
    for service in compose(*files)["services"].values():
        if "build" in service:
            build = service["build"]
            assert (ROOT / build["context"] / build.get("dockerfile", "Dockerfile")).is_file()
            assert build.get("target", "") in stages(build.get("dockerfile", "Dockerfile"))
        else:
            assert re.fullmatch(r"valkey/valkey:\d+\.\d+\.\d+-alpine", service["image"])


def test_only_the_web_server_can_be_reached_and_from_this_machine_only() -> None:
    document = compose(*GPU)
    assert {name: s.get("ports") for name, s in document["services"].items()} == {
        "redis": None,
        "api": ["127.0.0.1:${DARKROOM_PORT:-8000}:8000"],
        "worker": None,
    }
    assert document["networks"]["inside"] == {"internal": True}
    assert document["services"]["redis"]["networks"] == document["services"]["worker"]["networks"] == ["inside"]


def test_containers_cannot_change_themselves() -> None:
    for service in compose(*GPU)["services"].values():
        assert service["read_only"] is True
        assert "no-new-privileges:true" in service["security_opt"]
        assert service["stop_grace_period"] == "30s"
        assert service["healthcheck"]["test"][0] == "CMD"


def test_redis_keeps_what_it_accepted() -> None:
    redis = compose(*GPU)["services"]["redis"]
    options = dict(zip(redis["command"][1::2], redis["command"][2::2], strict=True))
    assert options["--appendonly"] == "yes"
    assert options["--maxmemory-policy"] == "noeviction"
    assert redis["volumes"] == ["queue:/data"]


def test_every_setting_reaches_the_containers() -> None:
    """Those left out have no sense there: addresses and names are the containers' own affair."""
    document = compose(*GPU)
    every = {f"DARKROOM_{name.upper()}" for name in Settings.model_fields}
    for service in ("api", "worker"):
        environment = document["services"][service]["environment"]
        left_out = {"DARKROOM_HOST", "DARKROOM_PORT", "DARKROOM_REDIS_BIN", "DARKROOM_WORKER_NAME"}
        assert every - set(environment) == left_out - set(environment)
        assert set(environment) <= every
    assert document["services"]["api"]["environment"]["DARKROOM_HOST"] == "0.0.0.0"


def test_named_volumes_are_declared_and_the_data_is_shared() -> None:
    document = compose(*GPU)
    used = {v.split(":")[0] for s in document["services"].values() for v in s["volumes"] if v[0] not in "./$"}
    assert used == set(document["volumes"])
    assert document["services"]["api"]["volumes"] == document["services"]["worker"]["volumes"]


def test_the_first_start_makes_an_admins_key() -> None:
    """It binds every address of its container, and a Darkroom without a key would refuse to."""
    shell, flag, line = compose(*GPU)["services"]["api"]["command"]
    assert (shell, flag) == ("sh", "-c")
    first, start = line.split(" && exec ")
    assert start == "darkroom api"
    args, rest = keys.parse(first.split()[2:])
    assert (args.action, args.if_none, args.scopes, rest) == ("add", True, frozenset({Scope.ADMIN}), [])

import json
import os
import subprocess
import sys

from config import ROOT, new_secret

NEVER = ("app.attacks", "app.contract", "app.dev")
SCRIPT = "import json, sys, wsgi; print(json.dumps(sorted(sys.modules)))"


def loaded(environment: dict[str, str]) -> set[str]:
    """Return the modules of a process that has imported the entry point."""
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return set(json.loads(done.stdout))


def test_production_loads_neither_attacks_nor_lab_nor_build_time_code(
    base_environment: dict[str, str],
) -> None:
    production = {
        "APP_ENV": "production",
        "PUBLIC_URL": "https://example.com",
        "DATABASE_URL": "sqlite:////nowhere/latchkey.db",
        "REDIS_URL": "unix:///nowhere",
        "JWT_SECRET": new_secret(),
        "SECRET_KEY": new_secret(),
        "MAIL_URL": "none",
    }
    modules = loaded(production)
    assert "app.auth.refresh" in modules
    assert [name for name in modules if name.startswith(NEVER)] == []
    development = {name: base_environment[name] for name in ("JWT_SECRET", "SECRET_KEY")}
    assert "app.dev.install" in loaded(development | {"APP_ENV": "development"})


def test_the_settings_are_read_without_loading_the_application() -> None:
    """The server reads them in a process of its own, at each start and reload."""
    done = subprocess.run(
        [sys.executable, "-c", "import json, sys, config; print(json.dumps([*sys.modules]))"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    modules = {name for name in json.loads(done.stdout) if name.split(".")[0] in {"app", "flask"}}
    assert all(name == "app" or name.startswith("app.settings") for name in modules)

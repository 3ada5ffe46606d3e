"""Outside development there is no lab."""

import json
import subprocess
import sys
from typing import Final

import pytest

from app.dev.lab.cards import STATIC
from app.threats import ENTRIES
from config import ROOT

# A process that only builds the app and asks for all of the lab's addresses.
ELSEWHERE: Final = """
import json, sys
from wsgi import app
asked = {path: app.test_client().get(path, base_url="https://localhost").status_code
         for path in json.loads(sys.stdin.read())}
page = app.test_client().get("/threats", base_url="https://localhost").get_data(as_text=True)
print(json.dumps({
    "modules": [name for name in sys.modules if name.startswith("app.dev.lab")],
    "rules": [rule.rule for rule in app.url_map.iter_rules() if rule.rule.startswith("/lab")],
    "asked": asked,
    "named": '="/lab' in page,
}))
"""


@pytest.mark.parametrize("env", ["testing", "staging", "production"])
def test_absent_elsewhere(environment: dict[str, str], env: str) -> None:
    files = [f"/lab/static/{file.relative_to(STATIC)}" for file in STATIC.rglob("*.*")]
    slugs = [entry.slug for entry in ENTRIES]
    site = ["/lab/attacker-site/attacker/clickjacking", "/lab/attacker-site/weakened/whoami"]
    paths = ["/lab", "/lab/", "/lab/page/guarded", *(f"/lab/{slug}" for slug in slugs)]
    own = environment | {"APP_ENV": env, "PUBLIC_URL": "https://localhost"}
    found = subprocess.run(
        [sys.executable, "-c", ELSEWHERE],
        cwd=ROOT,
        env=own,
        input=json.dumps([*paths, *site, *files]),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert found.returncode == 0, found.stderr
    told = json.loads(found.stdout.splitlines()[-1])
    assert (told["modules"], told["rules"], told["named"]) == ([], [], False)
    assert set(told["asked"].values()) == {404}

"""A small package index: wheels in a folder, and lists that pin them."""

import hashlib
import zipfile
from pathlib import Path


class Index:
    """`tool` 1.0 wants `lib[toml]`, which wants `reader`; of each there is a newer release."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.folder = folder
        for version in ("2.0", "1.0"):
            self._tool = self._wheel("tool", version, "Requires-Dist: lib[toml]>=1.0")
            extra = ("Provides-Extra: toml", 'Requires-Dist: reader; extra == "toml"')
            self._lib = self._wheel("lib", version, *extra)
            self._reader = self._wheel("reader", version)

    @property
    def variables(self) -> dict[str, str]:
        """What has pip ask this index and nothing else, whatever this machine's pip is told."""
        return {
            "PIP_CONFIG_FILE": "/dev/null",
            "PIP_NO_INDEX": "1",
            "PIP_FIND_LINKS": str(self.folder),
        }

    def list_of(self, *names: str) -> str:
        """Pin the first release of these packages, as `make lock` would."""
        pins = {"tool": self._tool, "lib": self._lib, "reader": self._reader}
        return "".join(f"{name}==1.0 --hash=sha256:{pins[name]}\n" for name in names)

    def _wheel(self, name: str, version: str, *metadata: str) -> str:
        path = self.folder / f"{name}-{version}-py3-none-any.whl"
        info = f"{name}-{version}.dist-info"
        files = {
            f"{name}.py": "",
            f"{info}/METADATA": "\n".join(
                ("Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}", *metadata, "")
            ),
            f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        }
        record = "".join(f"{file},,\n" for file in (*files, f"{info}/RECORD"))
        with zipfile.ZipFile(path, "w") as wheel:
            for file, text in (files | {f"{info}/RECORD": record}).items():
                wheel.writestr(file, text)
        return hashlib.sha256(path.read_bytes()).hexdigest()

"""Serves chosen files of the npm packages in the lock file, and nothing else of them."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.staticfiles.finders import BaseFinder
from django.contrib.staticfiles.storage import HashedFilesMixin, ManifestStaticFilesStorage
from django.core.files.storage import FileSystemStorage

PREFIX = "vendor"


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """One package: its folder in node_modules and the patterns of what browsers may fetch."""

    folder: str
    published: tuple[str, ...]


PACKAGES = {
    "lightweight-charts": Package(
        folder="lightweight-charts/dist",
        published=("lightweight-charts.standalone.production.mjs",),
    ),
    "inter": Package(
        folder="@fontsource-variable/inter", published=("index.css", "files/*-wght-normal.woff2")
    ),
    # Templates draw the few icons they use into the page, so the other two thousand stay home.
    "lucide": Package(folder="lucide-static", published=()),
}


class PackageFinder(BaseFinder):
    """Finds `vendor/<package>/<file>`; collects only what is published."""

    def check(self, **_: Any) -> list[Any]:
        """Report nothing: a package that is not installed yet must not stop the site."""
        return []

    def find(self, path: str, find_all: bool = False, **_: Any) -> Any:  # noqa: FBT001, FBT002
        """Return the file behind a static path, or an empty list."""
        head, _slash, rest = path.partition("/")
        name, _slash, inside = rest.partition("/")
        if head != PREFIX or name not in PACKAGES or not inside:
            return []
        root = _root(PACKAGES[name])
        file = (root / inside).resolve()
        if not file.is_relative_to(root.resolve()) or not file.is_file():
            return []
        return [str(file)] if find_all else str(file)

    def list(self, ignore_patterns: Iterable[str] | None) -> Iterator[tuple[str, Any]]:
        """Yield what is published, as Django's collector wants it."""
        del ignore_patterns
        for name, package in PACKAGES.items():
            root = _root(package)
            storage = FileSystemStorage(location=root)
            storage.prefix = f"{PREFIX}/{name}"  # type: ignore[attr-defined]
            for file in sorted(root.rglob("*")) if package.published else ():
                inside = file.relative_to(root).as_posix()
                if any(fnmatch(inside, pattern) for pattern in package.published):
                    yield inside, storage


# Django has these for every script or for none.
_IMPORTS = vars(HashedFilesMixin)["_js_module_import_aggregation_patterns"][1]


class HashedFiles(ManifestStaticFilesStorage):
    """Names files by their content, and rewrites the imports between our ES modules likewise.

    Only ours: Django finds imports by their looks, also in the comments of other people's code.
    """

    patterns = (*ManifestStaticFilesStorage.patterns, ("js/*.js", _IMPORTS))


def _root(package: Package) -> Path:
    return Path(settings.BASE_DIR) / "node_modules" / package.folder

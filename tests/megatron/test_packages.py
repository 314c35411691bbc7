from django.contrib.staticfiles import finders

from megatron.packages import PackageFinder


def test_finds_a_file_of_a_package() -> None:
    assert finders.find("vendor/inter/index.css")


def test_finds_icons_but_publishes_none() -> None:
    published = [storage.prefix for _, storage in PackageFinder().list(None)]

    assert finders.find("vendor/lucide/icons/bell.svg")
    assert "vendor/lucide" not in published


def test_publishes_no_development_build() -> None:
    names = [name for name, storage in PackageFinder().list(None) if "charts" in storage.prefix]

    assert names == ["lightweight-charts.standalone.production.mjs"]


def test_stays_inside_the_package() -> None:
    for path in ("vendor/inter/../../package.json", "vendor/other/x.js", "vendor/inter/", "vendor"):
        assert PackageFinder().find(path) == []

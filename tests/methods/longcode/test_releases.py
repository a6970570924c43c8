"""Releases are read as they are, without running any of them; unsafe archives are refused."""

import hashlib
import io
import tarfile
import zipfile

import pytest

from lit_research.errors import UserError
from lit_research.methods.longcode.releases import read_release

METADATA = "Metadata-Version: 2.1\nName: shop\nVersion: 1.2\nLicense: MIT\n\nA shop.\n"
FILES = {
    "shop-1.2/PKG-INFO": METADATA.encode(),
    "shop-1.2/setup.py": b"raise SystemExit('the build backend was run')\n",
    "shop-1.2/shop/cart.py": b"\xef\xbb\xbfLIMIT = 3\r\n",
    "shop-1.2/shop/logo.png": b"\x89PNG\0",
    "shop-1.2/shop/latin.txt": b"caf\xe9",
    "shop-1.2/tests/test_cart.py": b"",
    "shop-1.2/shop/__pycache__/cart.py": b"x",
}


def tarball(path, files, change=lambda member: member):
    with tarfile.open(path, "w:gz") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(change(member), io.BytesIO(content))
    return path


def zipped(path, files):
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


@pytest.mark.parametrize(("name", "pack"), [("shop-1.2.tar.gz", tarball), ("s.zip", zipped)])
def test_an_archive_is_its_text_files_with_hash_and_licence(tmp_path, name, pack):
    path = pack(tmp_path / name, FILES)
    tree = read_release(path)
    assert dict(tree.files) == {
        "setup.py": FILES["shop-1.2/setup.py"].decode(),
        "shop/cart.py": "LIMIT = 3\n",
        "tests/test_cart.py": "",
    }
    origin = tree.origin
    assert (tree.name, origin.package, origin.version) == ("shop-1.2", "shop", "1.2")
    assert origin.licence == "MIT"
    assert origin.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


def test_an_unpacked_folder_is_read_without_links(tmp_path):
    for name, content in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    (tmp_path / "shop-1.2" / "secret.txt").symlink_to("/etc/hostname")
    tree = read_release(tmp_path / "shop-1.2")
    assert set(tree.files) == {"setup.py", "shop/cart.py", "tests/test_cart.py"}
    assert tree.origin.sha256 == tree.sha256()


def test_an_installed_package_has_version_licence_and_no_generated_files():
    tree = read_release("pytest")
    assert "_pytest/python.py" in tree.files
    assert "_pytest/_version.py" not in tree.files
    assert tree.origin.licence == "MIT"
    assert tree.name == f"pytest-{pytest.__version__}"


@pytest.mark.parametrize("name", ["/etc/passwd.txt", "shop/../../up.py", "shop\\up.py", "C:up.py"])
@pytest.mark.parametrize(("end", "pack"), [(".tar.gz", tarball), (".zip", zipped)])
def test_paths_out_of_an_archive_are_refused(tmp_path, name, end, pack):
    with pytest.raises(UserError, match="outside the archive"):
        read_release(pack(tmp_path / f"a{end}", {name: b""}))


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE])
def test_links_in_an_archive_are_refused(tmp_path, kind):
    def link(member):
        member.type, member.linkname, member.size = kind, "/etc/passwd", 0
        return member

    with pytest.raises(UserError, match="a link or a device"):
        read_release(tarball(tmp_path / "a.tar.gz", {"shop/cart.py": b""}, link))


def test_links_in_a_zip_are_refused(tmp_path):
    member = zipfile.ZipInfo("shop/cart.py")
    member.external_attr = 0o120777 << 16
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr(member, "/etc/passwd")
    with pytest.raises(UserError, match="is a link"):
        read_release(tmp_path / "a.zip")


def test_an_archive_that_unpacks_to_too_much_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(5):
            with archive.open(f"{number}.bin", "w") as file:
                for _ in range(60):
                    file.write(bytes(2**20))
    with pytest.raises(UserError, match="more than"):
        read_release(tmp_path / "a.zip")


def test_what_is_no_release_is_refused(tmp_path):
    (tmp_path / "a.tar.gz").write_bytes(b"no archive")
    (tmp_path / "a.whl").write_bytes(b"")
    (tmp_path / "empty").mkdir()
    for source, wrong in {
        "no-such-package": "is installed",
        tmp_path / "gone": "does not exist",
        "gone/shop.tar.gz": "does not exist",
        tmp_path / "a.tar.gz": "cannot be unpacked",
        tmp_path / "a.whl": "no source archive",
        tmp_path / "empty": "no text files",
    }.items():
        with pytest.raises(UserError, match=wrong):
            read_release(source)

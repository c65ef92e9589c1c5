"""Feature stores of files that hold many videos: npz and HDF5."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable

import numpy as np

from ahernet_tf.data.features import array_files
from ahernet_tf.data.features.indexed_store import Entry, IndexedStore

_INFLATION = 1100  # deflate shrinks by 1032 at most
_ALWAYS_READ = 1 << 26  # bytes; so much may be made of whatever is stored


class NpzStore(IndexedStore):
    """One npz file with an array per video, read lazily."""

    def _names(self) -> Iterable[str]:
        try:
            self._archive = zipfile.ZipFile(self.path)
        except zipfile.BadZipFile as error:
            raise ValueError(f"is no npz file ({error})") from error
        self._members = array_files.npz_members(self._archive)
        return list(self._members)

    def _read(self, entry: Entry) -> np.ndarray:
        member = self._members[entry.name]
        return array_files.array_of(array_files.member_bytes(self._archive, member))

    def _shape(self, entry: Entry) -> tuple[int, ...]:
        member, most = self._members[entry.name], array_files.HEADER_BYTES
        start = array_files.member_bytes(self._archive, member, most)
        return array_files.npy_header(start)[0]


class Hdf5Store(IndexedStore):
    """One HDF5 file with a dataset per video.

    The template is the path of the dataset in the file: `{video}` where they lie flat,
    `{video}/c3d_features` where each video has a group, `features/v_{video}` and so
    on; `*/{video}` where they lie in several groups, such as train and val. Only
    datasets of annotated videos are looked at. Links to other files are followed with
    `follow_links` alone.
    """

    def _names(self) -> Iterable[str]:
        try:
            import h5py
        except ImportError as error:
            raise ValueError("HDF5 files need h5py: pip install h5py") from error
        try:
            self._file = h5py.File(self.path, "r")
        except OSError as error:
            raise ValueError(f"is no HDF5 file ({error})") from error
        above, _, first = self.template.prefix.rpartition("/")
        last, slash, below = self.template.suffix.partition("/")
        if above and not self.template.any_group:
            self._require_own(above)
        if "template" not in self.spec:
            self._require_datasets()
        places = [above]
        if self.template.any_group:
            places = [f"{group}{above.removeprefix('*')}" for group in self._groups()]
        elif above and not isinstance(self._file.get(above), h5py.Group):
            raise ValueError(f"has no group '{above}'")
        return [
            f"{place}/{key}{slash}{below}" if place else f"{key}{slash}{below}"
            for place in places
            for key in (self._file.get(place, ()) if place else self._file)
            if key.startswith(first) and key.endswith(last)
        ]

    def _groups(self, alone: bool = False) -> list[str]:
        """Lists the groups at the top of the file, without links to other files.

        Args:
            alone: List none where there is something else, too.
        """
        import h5py

        kinds = {
            key: self._file.get(key, getclass=True)
            for key in self._file
            if not isinstance(self._file.get(key, getlink=True), h5py.ExternalLink)
        }
        groups = [key for key, kind in kinds.items() if kind is h5py.Group]
        return [] if alone and len(groups) < len(kinds) else groups

    def _require_datasets(self) -> None:
        """Refuses a file of groups alone, and says which template would fit.

        Raises:
            ValueError: No dataset lies at the top of the file.
        """
        groups = self._groups(alone=True)
        if not groups:
            return
        first = groups[0]
        below = list(self._file[first])
        names = [set(self._file[group]) for group in groups[:8]]
        same = [key for key in below if all(key in group for group in names)]
        if len(groups) == 1:
            hint = f"'{first}/{{video}}'"
            if len(below) == 1:
                hint += f" or '{{video}}/{below[0]}'"
        elif len(same) > 1 and len(groups) > len(same):  # a group is a video
            parts = ",".join(f"{{video}}/{name}" for name in same[:3])
            hint = f"'{{video}}/{same[0]}'; or join them as --parts {parts}"
        elif same:
            parts = ",".join(f"{group}/{{video}}" for group in groups[:3])
            few = len(groups) < len(below)  # a group is a stream, or a subset
            hint = f"'{first}/{{video}}'" if few else f"'{{video}}/{same[0]}'"
            if few or len(same) > 1 or {"rgb", "flow"} & set(groups):  # no videos
                hint += f"; or join groups as --parts {parts}"
        else:
            hint = "'*/{video}', all groups together"
        raise ValueError(
            f"holds groups alone: {groups[:5]}, in the first {below[:5]}; say how the "
            "dataset of a video is called with --template (or 'template' among the "
            f"features), such as {hint}"
        )

    def _read(self, entry: Entry) -> np.ndarray:
        found = self._dataset(entry)
        if found.dtype.kind != "f":
            raise ValueError(
                f"expected float16, float32 or float64, received {found.dtype}"
            )
        wanted, stored = found.size * found.dtype.itemsize, found.id.get_storage_size()
        if wanted > max(_ALWAYS_READ, _INFLATION * stored):
            raise ValueError(
                f"states {found.shape}, {wanted} bytes, of which {stored} are stored"
            )
        return found[()]

    def _shape(self, entry: Entry) -> tuple[int, ...]:
        return self._dataset(entry).shape

    def _dataset(self, entry: Entry):
        """Finds the dataset of a video.

        Raises:
            ValueError: There is none of that name, it is a group, or it lies in
                another file.
        """
        import h5py

        self._require_own(entry.name)
        found = self._file.get(entry.name)
        if found is None:
            raise ValueError(f"has no dataset '{entry.name}'")
        if not isinstance(found, h5py.Dataset):
            names = sorted(found)[:5]
            raise ValueError(
                f"'{entry.name}' is a group of {names}; name one in the template, such "
                f"as '{{video}}/{names[0] if names else 'features'}'"
            )
        if (found.is_virtual or found.external) and not self.spec.get("follow_links"):
            raise ValueError(_leaves(entry.name, "its numbers lie in another file"))
        return found

    def _require_own(self, name: str) -> None:
        """Refuses a path that leads into another file, before that is opened.

        Raises:
            ValueError: It does, and the entry does not allow it.
        """
        import h5py

        if self.spec.get("follow_links"):
            return
        group = self._file
        for part in filter(None, name.split("/")):
            link = group.get(part, getlink=True)
            if isinstance(link, h5py.ExternalLink):
                raise ValueError(_leaves(name, f"it is a link to {link.filename}"))
            if isinstance(link, h5py.SoftLink):
                target = link.path
                above = "" if target.startswith("/") else group.name
                self._require_own(f"{above}/{target}")
            group = group.get(part)
            if not isinstance(group, h5py.Group):
                return


def _leaves(name: str, why: str) -> str:
    """Says that a dataset leaves the file."""
    return (
        f"'{name}' leads out of the store: {why}; if that is meant, say "
        "--follow_links to make_dataset, or 'follow_links': true among the features "
        "in dataset.json"
    )

"""What the digests of stages cover."""

from pathlib import Path

import pytest
from hydra import initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.types import RunMode

from src.cli.dependencies import composed_by
from tests.conftest import ROOT

CONF = ROOT / "conf"
NO_RESULT = {"tracking", "pipeline", "hydra"}  # groups that change no training's result


@pytest.mark.parametrize("study", sorted(file.stem for file in (CONF / "ablation").glob("*.yaml")))
def test_the_digest_of_a_study_covers_each_file_that_hydra_composes_for_it(study: str) -> None:
    with initialize_config_dir(str(CONF), version_base="1.3"):
        loader = GlobalHydra.instance().config_loader()
        defaults = loader.compute_defaults_list("config", [f"ablation={study}"], RunMode.MULTIRUN).defaults
    paths = {Path(f"{entry.config_path}.yaml") for entry in defaults if entry.config_path}
    composed = {path for path in paths if (CONF / path).is_file() and path.parts[0] not in NO_RESULT}
    assert {Path("config.yaml"), Path("ablation", f"{study}.yaml"), Path("train", "parts", "updates.yaml")} <= composed
    assert composed <= {Path(name) for name in composed_by(study)}

"""``python -m lit_research.replicate METHOD``; see ``lit_research.experiments.replicate``."""

from lit_research.cli import main as command
from lit_research.experiments.replicate import main

if __name__ == "__main__":
    main(command)

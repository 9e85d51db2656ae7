"""Real public files, as their publishers stored them, through the whole pipeline."""

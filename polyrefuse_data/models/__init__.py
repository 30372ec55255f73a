"""Models from elsewhere: which are pinned, how they are fetched and converted, and where they lie then."""

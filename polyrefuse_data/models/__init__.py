"""Models from elsewhere: pinned commits, fetching, conversion, and where they are stored."""

"""From a finished build to what people open: build files, releases, catalog, note."""

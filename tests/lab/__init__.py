"""Real mail servers, each in a root file system of its Debian release and in namespaces of its own."""

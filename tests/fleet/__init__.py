"""The files of `collector-config`, run by the programs that they are for."""

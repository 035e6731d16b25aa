"""One file a corpus: `CARD`, what is known of it, and `prepare(folder)`, its reader. A file put here is found."""

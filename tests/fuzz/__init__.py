"""Fuzzers; README.md says what each looks for."""

"""One file for each promise that the project makes; ``docs/promises.md`` names all tests that prove it."""

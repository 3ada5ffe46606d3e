"""What is made when Latchkey is built: documents and types. No server imports it."""

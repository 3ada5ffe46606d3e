"""What a credential says: claims, keys and the codec. Pure: no Flask, SQL or Redis."""

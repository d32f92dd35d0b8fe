"""What the pages ask of the store. Pure: a `Reader` goes in, plain rows come out."""

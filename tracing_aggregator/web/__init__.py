"""What our servers share: limits of connections and requests, tokens, TLS, the access log. It knows no page."""

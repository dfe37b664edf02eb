"""What all modules have in common: HTTP, envelope, authentication, routing, pages, versions, credentials, types."""

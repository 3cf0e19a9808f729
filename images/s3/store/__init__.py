"""A store that is like S3, in one process: moto's, behind a login, with objects that outlive it."""

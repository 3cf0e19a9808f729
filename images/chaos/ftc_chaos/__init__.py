"""What a helper container of `ftc chaos` does. One act a process, told as JSON: see `__main__`."""

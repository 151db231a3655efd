"""Cases from disk: CDD-CESM, datalists, splits and the leak audit."""

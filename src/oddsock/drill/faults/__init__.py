"""What a drill can break: one file a fault, `catalog` names them, `fault` says what one is."""

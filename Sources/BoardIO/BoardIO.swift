// BoardIO

// GCodeStream

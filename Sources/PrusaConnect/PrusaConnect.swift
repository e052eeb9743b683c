// PrusaConnect

// Gantry

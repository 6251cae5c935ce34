"""The roof: builds, wires, runs and stops the program; imports all rooms, imported by none."""

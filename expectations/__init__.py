"""What must hold before people see it: suites in code, the engine that runs them, the gate that reads the results."""

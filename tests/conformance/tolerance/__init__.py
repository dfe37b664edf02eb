"""hub-ocpi(7), TOLERANCE: partners that behave as real software does, asking (test_requests) and answering (test_answers)."""

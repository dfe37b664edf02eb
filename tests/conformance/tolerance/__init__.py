"""Section 16 of the hub's contract: partners that behave as real software does, asking (test_requests) and answering (test_answers)."""

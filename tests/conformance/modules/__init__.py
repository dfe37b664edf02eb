"""What each module does with its objects, and how the hub takes partners' software as it is."""

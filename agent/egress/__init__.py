"""What may leave the building: endpoints, de-identification, the gate, prices."""

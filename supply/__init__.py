"""Say what the wheel is made of and rests on: a bill of materials, hashes of the pins, and known holes in them."""

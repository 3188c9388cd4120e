"""What a payment is: values, the payment's life, and the rules it obeys. Standard library only."""

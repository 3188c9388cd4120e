"""What happens to transactions whoever asks for it: statuses, time, settlement."""

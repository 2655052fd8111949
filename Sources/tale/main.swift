print("tale")

from polyrefuse_data.cli import main

main()

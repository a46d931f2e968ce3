use deeper

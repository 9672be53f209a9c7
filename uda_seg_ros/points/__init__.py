"""Labels for the points of a cloud, from the mask of a picture taken at the same time. Without ROS."""

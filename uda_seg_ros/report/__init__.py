"""What a drive looked like and how well it was segmented: scores, an overlay video, a contact sheet and a page. No ROS."""

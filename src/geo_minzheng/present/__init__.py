"""What people read: text, maps, forms, documents."""
